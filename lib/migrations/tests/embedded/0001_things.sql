-- up
CREATE TABLE things (id int);
-- down
DROP TABLE things;
