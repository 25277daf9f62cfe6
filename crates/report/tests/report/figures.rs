use crate::example_run::example_run;

#[test]
fn the_svg_says_what_the_chart_says() {
    let svg = example_run(26).page("figures/cosine_similarity.svg");
    for text in [
        "Cosine Similarity of Activations Across Model Layers",
        "An Example Model on Model Role vs User Role Questions",
        "Within Group: Model Role",
        "Within Group: User Role",
        "Across Groups: Model-User",
        "Layer",
        "Cosine Similarity",
    ] {
        assert!(
            svg.lines().any(|line| line.trim() == text),
            "{text:?} is not in the figure"
        );
    }
    assert!(svg.contains("width=\"1000\" height=\"600\""));
    assert_eq!(svg.matches("<polygon").count(), 3, "a band for each line");
}

#[test]
fn the_png_is_whole_and_twice_as_large() {
    let run = example_run(6);
    report::run(&run.pipeline, &run.layout, &run.out).unwrap();
    let bytes = fs_err::read(run.out.join("figures/cosine_similarity.png")).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let chunks = chunks(&bytes[8..]);
    let (kind, header) = &chunks[0];
    assert_eq!(kind, "IHDR");
    assert_eq!(u32::from_be_bytes(header[0..4].try_into().unwrap()), 2000);
    assert_eq!(u32::from_be_bytes(header[4..8].try_into().unwrap()), 1200);
    assert!(
        chunks
            .iter()
            .any(|(kind, data)| kind == "IDAT" && !data.is_empty())
    );
    assert_eq!(chunks.last().unwrap().0, "IEND");
}

/// Name and data of each chunk: length, name, data, checksum.
fn chunks(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut chunks = Vec::new();
    while !bytes.is_empty() {
        let length = u32::from_be_bytes(bytes[0..4].try_into().unwrap()) as usize;
        let kind = String::from_utf8(bytes[4..8].to_vec()).unwrap();
        chunks.push((kind, bytes[8..8 + length].to_vec()));
        bytes = &bytes[12 + length..];
    }
    chunks
}
