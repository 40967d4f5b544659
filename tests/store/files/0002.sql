-- A file as version 0002 of the store left it. Never edited: such files exist.
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE charge (
	session_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	thing_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	at FLOAT NOT NULL, 
	upstream TEXT NOT NULL, 
	model TEXT NOT NULL, 
	status TEXT NOT NULL, 
	text_in INTEGER NOT NULL, 
	text_cached INTEGER NOT NULL, 
	audio_in INTEGER NOT NULL, 
	audio_cached INTEGER NOT NULL, 
	image_in INTEGER NOT NULL, 
	image_cached INTEGER NOT NULL, 
	text_out INTEGER NOT NULL, 
	audio_out INTEGER NOT NULL, 
	billed_ms INTEGER NOT NULL, 
	heard_ms INTEGER NOT NULL, 
	is_estimated BOOLEAN NOT NULL, 
	priced TEXT NOT NULL, 
	cost INTEGER, 
	assumed INTEGER NOT NULL, 
	rebuild INTEGER NOT NULL, 
	wasted INTEGER NOT NULL, 
	CONSTRAINT pk_charge PRIMARY KEY (session_id, kind, thing_id)
);
INSERT INTO "charge" VALUES('s1','response','r1','C-1',1800000000.0,'openai','gpt-realtime-2.1','completed',120,64,20,0,0,0,10,40,0,2000,0,'2026-11-20',3689600,3689600,0,0);
CREATE TABLE journal_entry (
	session_id TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	content TEXT NOT NULL, 
	CONSTRAINT pk_journal_entry PRIMARY KEY (session_id, number), 
	CONSTRAINT fk_journal_entry_session_id FOREIGN KEY(session_id) REFERENCES journal_session (id) ON DELETE CASCADE
);
INSERT INTO "journal_entry" VALUES('s1',1,'opened','{"voice":"flite"}');
INSERT INTO "journal_entry" VALUES('s1',2,'item','{"text":"Gr\u00fc\u00dfe"}');
CREATE TABLE journal_session (
	id TEXT NOT NULL, 
	last_contact FLOAT NOT NULL, 
	CONSTRAINT pk_journal_session PRIMARY KEY (id)
);
INSERT INTO "journal_session" VALUES('s1',1800000000.5);
CREATE INDEX ix_charge_at ON charge (at);
PRAGMA application_id = 1212568369;
PRAGMA journal_mode = wal;
