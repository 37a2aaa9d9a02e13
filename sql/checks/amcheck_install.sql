-- Puts amcheck into the restored copy. Needs CREATE on the database, as cloudsqlsuperuser has.
CREATE EXTENSION IF NOT EXISTS amcheck
