"""The job `reconcile`, its read model and its reports: what is the same for every account at a card processor."""
