mod contrast;
mod cosine;
mod errors;
mod example;
mod reference;
mod stage;
mod summary_text;
