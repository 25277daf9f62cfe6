use pipeline::Pipeline;
use results::Feature;
use testkit::EXAMPLE_PIPELINE;

use crate::example::Example;

fn example() -> Example {
    Example::new(&[("normal", [[1.0; 4]; 4]), ("swapped", [[2.0; 4]; 4])])
}

fn problem(hook: &str) -> String {
    let example = example();
    let error = example.run(&example.pipeline(hook)).unwrap_err().to_string();
    let written = fs_err::read_dir(example.folder.path().join("out"))
        .unwrap()
        .count();
    assert_eq!(written, 0, "files were written before the error: {error}");
    error
}

#[test]
fn a_place_that_was_not_recorded_is_named() {
    let told = problem("model.layers.1.post_feedforward_layernorm.output");
    assert!(told.contains("\"hook_mlp_out\" to `extract.sites`"), "{told}");
    let told = problem("model.layers.9.output");
    assert!(told.contains("the model has no layer 9"), "{told}");
}

#[test]
fn copies_of_a_prompt_are_no_observations() {
    let example = example();
    example.run(&example.pipeline("model.layers.1.output")).unwrap();
    // All four prompts are the same, so that there is nothing to swap.
    for feature in example.read::<Feature>() {
        assert_eq!(
            (feature.p, feature.auc.is_nan(), feature.difference_low.is_nan()),
            (1.0, true, true)
        );
    }
}

#[test]
fn a_prompt_with_a_row_in_one_condition_is_named() {
    let example = example();
    example.without_last_row();
    let error = example
        .run(&example.pipeline("model.layers.1.output"))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("prompt \"prompt 3\" has a row in only one"),
        "{error}"
    );
}

#[test]
fn names_are_unique() {
    let example = example();
    let path = example.folder.path().join("two.toml");
    let entry = "\n[[saes]]\nname = \"a\"\nfolder = \"b\"\n";
    fs_err::write(&path, format!("{EXAMPLE_PIPELINE}{entry}{entry}")).unwrap();
    let error = Pipeline::read(&path, &[]).unwrap_err().to_string();
    assert!(error.contains("two [[saes]] are named \"a\""), "{error}");
}

#[test]
fn without_autoencoders_the_tables_are_empty() {
    let example = example();
    let path = example.folder.path().join("none.toml");
    fs_err::write(&path, EXAMPLE_PIPELINE).unwrap();
    example.run(&Pipeline::read(&path, &[]).unwrap()).unwrap();
    assert!(example.read::<Feature>().is_empty());
}
