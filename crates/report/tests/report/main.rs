mod example_run;
mod figures;
mod page;
mod wording;
