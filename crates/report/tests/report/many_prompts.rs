//! Runs with more prompts than a page can show individually.

use report::{Findings, Inputs};
use results::{ComponentPlace, Generation, Projection, RenderedPrompt, Similarity, Table, TableWriter};
use terms::{FinishReason, GenerationStyle, Pooling};

use crate::example_run::{ExampleRun, example_footer, example_run};
use crate::reading::{embedded_data, section, visible};

const LAYERS: usize = 6;
const CONDITIONS: [&str; 3] = ["normal", "swapped", "quoted"];

/// A run of `prompts` prompts without cosine matrices. Of every four prompts three are told apart
/// at every layer.
fn many_prompts(prompts: usize) -> ExampleRun {
    let run = example_run(LAYERS);
    let metadata = example_footer(LAYERS);
    let (layout, ids) = (&run.layout, 0..prompts);
    let of_each = |condition: &'static str| ids.clone().map(move |index| (index, condition));
    let rendered: Vec<RenderedPrompt> = CONDITIONS.into_iter().flat_map(of_each).map(rendered).collect();
    let projections: Vec<Projection> = (0..LAYERS)
        .flat_map(|layer| CONDITIONS.map(|condition| (layer, condition)))
        .flat_map(|(layer, condition)| ids.clone().map(move |index| projection(layer, condition, index)))
        .collect();
    let generations: Vec<Generation> = of_each("normal").map(generation).collect();
    RenderedPrompt::write(&layout.table::<RenderedPrompt>(), &metadata, &rendered).unwrap();
    Similarity::write(&layout.table::<Similarity>(), &metadata, &[]).unwrap();
    Projection::write(&layout.table::<Projection>(), &metadata, &projections).unwrap();
    Generation::write(&layout.table::<Generation>(), &metadata, &generations).unwrap();
    run
}

fn rendered((index, condition): (usize, &str)) -> RenderedPrompt {
    RenderedPrompt {
        prompt_id: format!("p{index}"),
        prompt: format!("Question {index}?"),
        condition: condition.to_owned(),
        text: format!("<bos>Question {index}?"),
        n_tokens: 2,
        token_ids: vec![2, 3],
        token_texts: vec!["<bos>".to_owned(), "Question".to_owned()],
        opening: 0,
    }
}

fn projection(layer: usize, condition: &str, index: usize) -> Projection {
    let side = if condition == "normal" && !index.is_multiple_of(4) {
        1.0
    } else {
        0.0
    };
    Projection {
        layer,
        pooling: Pooling::Newline,
        condition: condition.to_owned(),
        prompt_id: format!("p{index}"),
        projection: side,
    }
}

fn generation((index, condition): (usize, &str)) -> Generation {
    Generation {
        set: "normal".to_owned(),
        prompt_id: format!("p{index}"),
        prompt: format!("Question {index}?"),
        condition: condition.to_owned(),
        coefficient: None,
        sample: 0,
        seed: 0,
        text: format!("Answer {index}."),
        n_tokens: 3,
        finish_reason: FinishReason::Stop,
        interventions: String::new(),
        decoding: GenerationStyle::Greedy,
    }
}

#[test]
fn of_many_prompts_an_evenly_spaced_part_is_shown_and_all_are_counted() {
    let run = many_prompts(1000);
    let inputs = Inputs::read(&run.pipeline, &run.layout).unwrap();
    let ids = inputs.prompt_ids();
    assert_eq!((ids.len(), ids[0], ids[1], ids[49]), (50, "p0", "p20", "p999"));
    assert_eq!(Findings::of(&inputs).unwrap().prompts, 1000);

    let page = run.page("report.html");
    let charts = &embedded_data(&page)["charts"];
    assert_eq!(charts["strip"]["data"][0]["x"].as_array().unwrap().len(), 50);
    assert_eq!(charts["projections"]["data"].as_array().unwrap().len(), 3 * 50);
    let layers = visible(section(&page, "layers"));
    for part in [
        "Means and counts cover all 1000 prompts; Figures 2, 4 and 5 and the texts below show 50 of them",
        "each of 50 prompts, evenly spaced among 1000,",
        "a line for each of the 50 prompts.",
    ] {
        assert!(layers.contains(part), "{part:?} is not in: {layers}");
    }
    let generations = section(&page, "generations");
    assert_eq!(generations.matches("<article").count(), 50);
    assert!(generations.contains("Answer 999.") && !generations.contains("Answer 1."));
    assert_eq!(section(&page, "prompts").matches("<pre").count(), 3 * 50);
    assert!(visible(section(&page, "prompts")).contains("of all 1000 prompts; here are 50"));
}

#[test]
fn what_is_left_out_is_said_and_not_drawn() {
    let page = many_prompts(60).page("report.html");
    assert!(embedded_data(&page)["charts"].get("heat-map").is_none());
    assert!(!page.contains("id=\"heat-map\""));
    let layers = visible(section(&page, "layers"));
    for part in [
        "Figure 2 is left out",
        "similarities.parquet has no rows",
        "cosine_matrices = true under [contrast]",
    ] {
        assert!(layers.contains(part), "{part:?} is not in: {layers}");
    }
}

#[test]
fn few_prompts_are_all_shown_and_nothing_is_said() {
    let run = many_prompts(50);
    assert_eq!(
        Inputs::read(&run.pipeline, &run.layout)
            .unwrap()
            .prompt_ids()
            .len(),
        50
    );
    assert!(!visible(&run.page("report.html")).contains("evenly spaced"));
}

/// A run of the 9B model's depth: 42 layers, four conditions, 256 prompts with cosine matrices,
/// long texts.
#[test]
fn the_page_of_a_large_run_is_below_ten_megabytes() {
    const CONDITIONS: [&str; 4] = ["normal", "swapped", "quoted", "fourth"];
    let (layers, prompts) = (42, 256);
    let mut run = example_run(layers);
    let mut fourth = run.pipeline.conditions[2].clone();
    "fourth".clone_into(&mut fourth.name);
    run.pipeline.conditions.push(fourth);
    let metadata = example_footer(layers);
    let of_each = |condition: &'static str| (0..prompts).map(move |index| (index, condition));
    let rendered: Vec<RenderedPrompt> = CONDITIONS.into_iter().flat_map(of_each).map(rendered).collect();
    RenderedPrompt::write(&run.layout.table::<RenderedPrompt>(), &metadata, &rendered).unwrap();
    let value = |place: usize| ((place * 7919) % 10_007) as f64 / 10_007.3;
    let mut table = TableWriter::<Similarity>::create(&run.layout.table::<Similarity>(), &metadata).unwrap();
    // Only for the prompts that are shown; the page shows no others.
    let shown: Vec<String> = (0..50).map(|index| format!("p{}", index * 255 / 49)).collect();
    for layer in 0..layers {
        let mut rows = Vec::new();
        for (a, b) in (0..4).flat_map(|a| (a..4).map(move |b| (a, b))) {
            for (prompt_a, prompt_b) in shown.iter().flat_map(|a| shown.iter().map(move |b| (a, b))) {
                rows.push(Similarity {
                    layer,
                    pooling: Pooling::Newline,
                    condition_a: CONDITIONS[a].to_owned(),
                    condition_b: CONDITIONS[b].to_owned(),
                    prompt_a: prompt_a.clone(),
                    prompt_b: prompt_b.clone(),
                    cosine: value(rows.len() + layer),
                });
            }
        }
        table.append(&rows).unwrap();
    }
    table.finish().unwrap();
    let projections: Vec<Projection> = (0..layers)
        .flat_map(|layer| CONDITIONS.map(|condition| (layer, condition)))
        .flat_map(|(layer, condition)| {
            (0..prompts).map(move |index| Projection {
                projection: value(index + layer) * 100.0,
                ..projection(layer, condition, index)
            })
        })
        .collect();
    Projection::write(&run.layout.table::<Projection>(), &metadata, &projections).unwrap();
    let components: Vec<ComponentPlace> = (0..layers)
        .flat_map(|layer| (0..256).map(move |row| (layer, row)))
        .map(|(layer, row)| ComponentPlace {
            layer,
            pooling: Pooling::Newline,
            condition: CONDITIONS[row / 64].to_owned(),
            prompt_id: format!("p{}", row % 64 * 4),
            pc1: value(row + layer) * 100.0,
            pc2: value(row * layer) * 100.0,
            pc1_share: 0.5,
            pc2_share: 0.25,
        })
        .collect();
    ComponentPlace::write(&run.layout.table::<ComponentPlace>(), &metadata, &components).unwrap();
    let texts: Vec<Generation> = [None, Some(-0.7), Some(0.7)]
        .into_iter()
        .flat_map(|coefficient| {
            of_each("normal").map(move |pair| Generation {
                set: if coefficient.is_some() {
                    "steered"
                } else {
                    "normal"
                }
                .to_owned(),
                coefficient,
                text: format!("word{} ", coefficient.unwrap_or_default()).repeat(300),
                ..generation(pair)
            })
        })
        .collect();
    Generation::write(&run.layout.table::<Generation>(), &metadata, &texts).unwrap();

    let page = run.page("report.html");
    assert_eq!(embedded_data(&page)["charts"]["heat-map"]["packed"]["size"], 200);
    assert_eq!(
        embedded_data(&page)["charts"]["components"]["places"][41][3][0]
            .as_array()
            .unwrap()
            .len(),
        64
    );
    assert!(page.len() < 10_000_000, "{} bytes", page.len());
}
