use serde_json::Value;

/// The result as a table on standard error.
pub fn print(result: &Value) {
    let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
    let giga = |key: &str| result[key].as_f64().unwrap_or(f64::NAN) / 1e9;
    terminal::remark(format_args!(
        "{}, {}, {}, {}, {} threads; the machine reads {:.1} GB/s and does {:.0} Gflop/s in f32 and {:.0} in bf16",
        text("checkpoint"),
        text("device"),
        text("dtype"),
        text("instructions"),
        result["threads"],
        giga("read_bandwidth_bytes_per_second"),
        giga("multiply_add_rate_per_second"),
        giga("bf16_multiply_add_rate_per_second")
    ));
    terminal::remark(format_args!("texts: {}", text("format")));
    terminal::remark(format_args!(
        "{:<22} {:>9} {:>10} {:>11} {:>9} {:>16}",
        "part", "seconds", "tokens/s", "peak memory", "of limit", "outside products"
    ));
    let percent = |fraction: f64| format!("{:.0} %", 100.0 * fraction);
    for part in result["parts"].as_array().into_iter().flatten() {
        let cell =
            |key: &str, format: &dyn Fn(f64) -> String| part[key].as_f64().map_or("-".to_owned(), format);
        terminal::remark(format_args!(
            "{:<22} {:>9} {:>10} {:>11} {:>9} {:>16}",
            part["part"].as_str().unwrap_or_default(),
            cell("seconds", &|seconds| format!("{seconds:.3}")),
            cell("tokens_per_second", &|rate| format!("{rate:.1}")),
            cell("peak_memory_bytes", &|bytes| format!("{:.2} GB", bytes / 1e9)),
            cell("fraction_of_limit", &percent),
            cell("fraction_outside_products", &percent),
        ));
    }
}
