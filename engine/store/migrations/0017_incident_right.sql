-- Who may set and clear incidents from a telephone.

ALTER TABLE agents ADD COLUMN incidents boolean NOT NULL DEFAULT false;
