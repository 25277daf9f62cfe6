use crate::words;

words! {
    /// The stages that leave results, in the order in which they run.
    pub enum Stage: "stage" {
        Verify = "verify",
        Extract = "extract",
        Analyze = "analyze",
        Features = "features",
        Steer = "steer",
        Dose = "dose",
        Locate = "locate",
        Report = "report",
    }
}
