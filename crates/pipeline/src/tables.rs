/// The tables that a pipeline file may have.
pub const TABLES: [&str; 12] = [
    "model",
    "verify",
    "prompts",
    "conditions",
    "contrast",
    "extract",
    "vectors",
    "saes",
    "steer",
    "dose",
    "locate",
    "report",
];
