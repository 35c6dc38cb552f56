-- Settings keeps no tables of its own but its checkpoints: each setting is a stream, and its streams are its history.
select ledger.admit_service('settings', array['setting']);
