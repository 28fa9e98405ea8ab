-- When a message goes away by itself, whatever its queue's retention; 0 for never.
ALTER TABLE message ADD COLUMN expires_us BIGINT NOT NULL DEFAULT 0;
