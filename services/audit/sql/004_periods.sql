-- Audit closes accounting periods: its role alone may write their streams.
insert into ledger.writers (role, kind) values ('holdfast_audit', 'period');
