-- Why a claim is made, where the registry says more than that the figure is wrong.
alter table claim_to_answer add column ground text;
