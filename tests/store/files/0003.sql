-- A file as version 0003 of the store left it. Never edited: such files exist.
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE audit (
	id TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	what TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	counts TEXT NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES('0011223344556677',1800000002000000,'erased','command line','{"transcripts": 3}');
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
CREATE TABLE consent (
	id TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	session_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	words TEXT NOT NULL, 
	given_by TEXT NOT NULL, 
	CONSTRAINT pk_consent PRIMARY KEY (id)
);
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
CREATE TABLE transcript_entry (
	session_id TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	item_id TEXT NOT NULL, 
	text TEXT NOT NULL, 
	heard TEXT, 
	facts TEXT NOT NULL, 
	CONSTRAINT pk_transcript_entry PRIMARY KEY (session_id, at), 
	CONSTRAINT fk_transcript_entry_session_id FOREIGN KEY(session_id) REFERENCES transcript_session (id) ON DELETE CASCADE
);
INSERT INTO "transcript_entry" VALUES('s1',1800000000000000,'began','','',NULL,'{}');
INSERT INTO "transcript_entry" VALUES('s1',1800000000500000,'user','i1','Grüße an [mail]',NULL,'{}');
INSERT INTO "transcript_entry" VALUES('s1',1800000001000000,'ended','','',NULL,'{"reason": "client_ended"}');
CREATE TABLE transcript_session (
	id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	began INTEGER NOT NULL, 
	last INTEGER NOT NULL, 
	ended TEXT, 
	CONSTRAINT pk_transcript_session PRIMARY KEY (id)
);
INSERT INTO "transcript_session" VALUES('s1','cust-1001','browser','conversation',1800000000000000,1800000001000000,'client_ended');
CREATE INDEX ix_charge_at ON charge (at);
CREATE INDEX ix_transcript_session_customer_id ON transcript_session (customer_id);
CREATE INDEX ix_consent_customer_id ON consent (customer_id);
PRAGMA application_id = 1212568369;
PRAGMA journal_mode = wal;
