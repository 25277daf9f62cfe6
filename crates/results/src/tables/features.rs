use terms::Site;

use crate::Table;
use crate::contract::{
    COSINE, COUNT, FEATURE, FEATURE_ACTIVATION, FEATURE_ACTIVATIONS, LAYER, NO_UNIT, NORM, PROBABILITY,
    RATIO, SHARE, SIGNED_SHARE, TableSchema, shared,
};
use crate::row::{Row, rows};

rows! {
    /// What one feature of a sparse autoencoder says about the two conditions of the contrast.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Feature {
        sae: String = NO_UNIT, "the autoencoder, by its name in the pipeline file";
        feature: usize = FEATURE, "the number of the feature";
        positive_share: f64 = SHARE, "of the prompts in which it is active in the positive condition";
        negative_share: f64 = SHARE, "the same in the negative condition";
        positive_mean: f64 = FEATURE_ACTIVATION, "its mean activation in the positive condition, zeros included";
        negative_mean: f64 = FEATURE_ACTIVATION, "the same in the negative condition";
        difference: f64 = FEATURE_ACTIVATIONS, "positive less negative mean";
        difference_low: f64 = FEATURE_ACTIVATIONS, "the lower end of the 95 % interval of `difference`" => nullable;
        difference_high: f64 = FEATURE_ACTIVATIONS, "its upper end" => nullable;
        auc: f64 = SHARE, "how often it orders a prompt's two activations, from the direction of all other prompts: the area under the ROC curve" => nullable;
        p: f64 = PROBABILITY, "of a relabelling with a mean difference as far from 0, two-sided";
        p_family: f64 = PROBABILITY, "the same, corrected for looking at all features that are active (max-T)";
        contrast_cosine: f64 = COSINE, "of its direction, the row of the decoder, with the contrast there; null where one is zero" => nullable;
        contrast_share: f64 = SIGNED_SHARE, "of the contrast that its difference makes: its part of the contrast, along the contrast, over the contrast's norm" => nullable;
    }
}

impl Table for Feature {
    const SCHEMA: TableSchema = TableSchema {
        name: "features",
        version: 1,
        file: "features/features.parquet",
        row: "a feature that is active for some prompt in a condition of the contrast, under the contrast's pooling; none where the pipeline names no autoencoders",
        key: &["sae", "feature"],
        is_sorted: true,
        count: None,
        columns: Self::columns,
    };
}

rows! {
    /// How active one feature is in one condition.
    #[derive(Clone, Debug, PartialEq)]
    pub struct FeatureActivity {
        sae: String = NO_UNIT, "the autoencoder, by its name in the pipeline file";
        feature: usize = FEATURE, "the number of the feature";
        condition: String = NO_UNIT, shared!(condition);
        share: f64 = SHARE, "of the prompts in which it is active";
        mean: f64 = FEATURE_ACTIVATION, "its mean activation, zeros included";
        max: f64 = FEATURE_ACTIVATION, "its greatest activation";
    }
}

impl Table for FeatureActivity {
    const SCHEMA: TableSchema = TableSchema {
        name: "feature_activity",
        version: 1,
        file: "features/activity.parquet",
        row: "a feature in a condition in which it is active for some prompt",
        key: &["sae", "feature", "condition"],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}

rows! {
    /// Whether an autoencoder is valid for the activations of a condition.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SaeFit {
        sae: String = NO_UNIT, "the autoencoder, by its name in the pipeline file";
        condition: String = NO_UNIT, shared!(condition);
        prompts: usize = COUNT, shared!(prompts);
        l0: f64 = COUNT, "the mean number of features that are active";
        error: f64 = RATIO, "what the features leave out: the mean squared norm of activation less decoded activation, over that of the activation";
        cosine: f64 = COSINE, "the mean cosine of activation and decoded activation; null where one is zero" => nullable;
        variance_unexplained: f64 = RATIO, "the squared norms of activation less decoded activation, over those of activation less the mean of this condition; null without spread" => nullable;
    }
}

impl Table for SaeFit {
    const SCHEMA: TableSchema = TableSchema {
        name: "sae_fit",
        version: 1,
        file: "features/fit.parquet",
        row: "an autoencoder of `[[saes]]` and a condition",
        key: &["sae", "condition"],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}

rows! {
    /// An autoencoder, and what its features make of the contrast.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Sae {
        sae: String = NO_UNIT, "the autoencoder, by its name in the pipeline file";
        site: Site = NO_UNIT, "where it reads";
        layer: usize = LAYER, "of which decoder layer";
        architecture: String = NO_UNIT, "its kind, in its authors' words";
        model: Option<String> = NO_UNIT, "the model that it was trained on, as far as its folder says so";
        neuronpedia: Option<String> = NO_UNIT, "its name on neuronpedia.org, as far as that is known";
        features: usize = COUNT, "all that it has";
        tested: usize = COUNT, "those that are active for some prompt in a condition of the contrast";
        contrast_norm: f64 = NORM, "of the contrast where it reads";
        features_norm: f64 = NORM, "of the features' part of the contrast: the sum of the differences of their activations times their directions";
        residue_norm: f64 = NORM, "of what is left: contrast less the features' part";
        features_share: f64 = SIGNED_SHARE, "of the contrast that the features' part makes, along the contrast" => nullable;
        features_cosine: f64 = COSINE, "of the features' part with the contrast; null where one is zero" => nullable;
    }
}

impl Table for Sae {
    const SCHEMA: TableSchema = TableSchema {
        name: "saes",
        version: 1,
        file: "features/saes.parquet",
        row: "an autoencoder of `[[saes]]`",
        key: &["sae"],
        is_sorted: true,
        count: None,
        columns: Self::columns,
    };
}
