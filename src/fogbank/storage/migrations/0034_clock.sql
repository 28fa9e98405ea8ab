-- How far the clock is ahead of the machine's, or where it stands: a server goes on with the time that it had.
CREATE TABLE clock_setting (
    id BIGINT PRIMARY KEY,
    offset_us BIGINT NOT NULL,
    frozen_us BIGINT NOT NULL
);
