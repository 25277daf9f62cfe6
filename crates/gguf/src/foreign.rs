//! What a file is that is not GGUF, though it has that extension or was given as a model.

/// In words that follow the file's name and say what to do, from its first bytes (a few hundred are
/// enough; a file that is shorter is given as a whole).
///
/// Sources: the pointer file of Git LFS (docs/spec.md there), the magic numbers of llama.cpp's
/// earlier formats (ggml, ggmf, ggjt, ggla: 32-bit numbers, so that their letters are reversed),
/// safetensors, zip and pickle.
pub fn not_gguf(bytes: &[u8]) -> String {
    let start = bytes.trim_ascii_start();
    let begins = |text: &str| {
        let head = start.get(..text.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(text.as_bytes()))
    };
    let known = if bytes.is_empty() {
        "the file is empty; download it again"
    } else if bytes.iter().all(|byte| *byte == 0) {
        "the file begins with zeros only, as a download that was cut off leaves it; download it again"
    } else if begins("version https://git-lfs.github.com/spec/") {
        "the file is a pointer of Git LFS, not the model; run `git lfs pull` in its repository, or give the model's hub id"
    } else if begins("<!doctype html") || begins("<html") {
        "the file is a web page (HTML), not a model; download the file itself, not the page that shows it"
    } else if begins("{") {
        "the file is JSON, such as the error of a server or a configuration, not a model; download the .gguf file again"
    } else if begins("Entry not found")
        || begins("Invalid")
        || begins("Access to")
        || begins("Repository not found")
    {
        "the file holds an error of the Hugging Face hub, not a model; download the .gguf file again, signed in where the \
         model asks for that"
    } else if [b"lmgg", b"fmgg", b"tjgg", b"algg"]
        .iter()
        .any(|magic| bytes.starts_with(*magic))
    {
        "the file is of a format that came before GGUF (GGML, GGMF, GGJT or GGLA); get a GGUF file of the model"
    } else if bytes.starts_with(b"FUGG") {
        "the file is a big-endian GGUF file; Roleswap reads little-endian ones, so get another conversion"
    } else if bytes.get(8) == Some(&b'{') {
        "the file is a safetensors file; give the folder that it is in, with config.json and tokenizer.json"
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x80\x02") {
        "the file is a checkpoint of PyTorch or a zip archive; give a folder with safetensors, or a .gguf file"
    } else {
        "the file is not GGUF: it does not begin with the letters GGUF; is it the right file? give a .gguf file, joined (cat) \
         where it was cut up, or the folder of a model"
    };
    known.to_owned()
}
