-- A file as version 0001 of the store left it. Never edited: such files exist.
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES('0001');
CREATE TABLE journal_session (
	id TEXT NOT NULL, 
	last_contact FLOAT NOT NULL, 
	CONSTRAINT pk_journal_session PRIMARY KEY (id)
);
INSERT INTO journal_session VALUES('s1',1800000000.5);
CREATE TABLE journal_entry (
	session_id TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	content TEXT NOT NULL, 
	CONSTRAINT pk_journal_entry PRIMARY KEY (session_id, number), 
	CONSTRAINT fk_journal_entry_session_id FOREIGN KEY(session_id) REFERENCES journal_session (id) ON DELETE CASCADE
);
INSERT INTO journal_entry VALUES('s1',1,'opened','{"voice":"flite"}');
INSERT INTO journal_entry VALUES('s1',2,'item','{"text":"Gr\u00fc\u00dfe"}');
PRAGMA application_id = 1212568369;
PRAGMA journal_mode = wal;
