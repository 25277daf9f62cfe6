use results::{
    CERTIFICATE_FORMAT, Certificate, Comparison, ReferenceOrigin, RelativeError, Verdict, read_certificate,
    write_certificate,
};

fn certificate(last_layer: RelativeError) -> Certificate {
    let small = RelativeError { max: 2e-6, rms: 1e-7 };
    Certificate {
        format: CERTIFICATE_FORMAT,
        verdict: Verdict::Failed,
        statement: "it does not agree".to_owned(),
        model: "Nano".to_owned(),
        weights_fingerprint: "00".to_owned(),
        roleswap_version: "0.1.0".to_owned(),
        comparison: Some(Comparison {
            device: "cpu".to_owned(),
            gpu: None,
            kernels: None,
            dtype: "f32".to_owned(),
            residency: "resident".to_owned(),
            tolerance: 1e-4,
            tolerance_after_norm: 1e-4,
            positions: 24,
            reference: ReferenceOrigin {
                file: "reference.safetensors".to_owned(),
                blake3: "00".to_owned(),
                implementation: "transformers 5".to_owned(),
                dtype: "f32".to_owned(),
            },
            layers: vec![small, last_layer],
            final_norm: small,
            logits: small,
            greedy: None,
            texts: results::TextAgreement {
                texts: 12,
                compared: 12,
                agreeing: 11,
                first_difference: Some("prompt \"a\"".to_owned()),
            },
        }),
    }
}

#[test]
fn a_certificate_comes_back_as_it_was_written_even_with_an_infinite_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("certificate.json");
    for error in [0.5, f64::INFINITY] {
        let written = certificate(RelativeError {
            max: error,
            rms: error,
        });
        write_certificate(&path, &written).unwrap();
        let read = read_certificate(&path).unwrap();
        assert_eq!(read, written);
        assert_eq!(read.comparison.unwrap().worst(), error);
    }
}

#[test]
fn another_format_and_broken_json_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("certificate.json");
    let mut other = certificate(RelativeError { max: 1.0, rms: 1.0 });
    other.format = 99;
    write_certificate(&path, &other).unwrap();
    let error = read_certificate(&path).unwrap_err().to_string();
    assert!(
        error.contains("certificate.json") && error.contains("format 99"),
        "{error}"
    );
    std::fs::write(&path, "{").unwrap();
    let error = read_certificate(&path).unwrap_err().to_string();
    assert!(error.contains("cargo xtask verify --force"), "{error}");
}
