/// The tables that a pipeline file may have.
pub const TABLES: [&str; 11] = [
    "model",
    "verify",
    "prompts",
    "conditions",
    "contrast",
    "extract",
    "vectors",
    "steer",
    "dose",
    "locate",
    "report",
];
