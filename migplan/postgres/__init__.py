"""The ground: addresses, connections, snapshots, and throwaway servers."""
