"""Migrations that people write: folders of files, what each makes and needs, their order, the risks."""
