use gguf::PartName;

#[test]
fn names_of_parts_are_those_of_llama_cpp() {
    let name = PartName::parse("a-b-00002-of-00010.gguf").unwrap();
    assert_eq!((name.number, name.count), (2, 10));
    assert_eq!(name.with_number(1).to_string(), "a-b-00001-of-00010.gguf");
    for other in [
        "a.gguf",
        "a-00001-of-00002",
        "a-1-of-2.gguf",
        "00001-of-00002.gguf",
        "a-0000x-of-00002.gguf",
    ] {
        assert_eq!(PartName::parse(other), None, "{other}");
    }
}
