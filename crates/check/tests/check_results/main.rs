mod findings;
mod run;
mod schemas;
