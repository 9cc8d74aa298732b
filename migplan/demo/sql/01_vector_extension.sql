-- Vectors come from the extension pgvector. Nothing else in these files installs software.
CREATE EXTENSION IF NOT EXISTS vector;
