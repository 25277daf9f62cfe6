//! `cargo xtask serve`: one page on this machine alone, on which a pipeline's model answers twice
//! at the same time, as it is and steered, with a slider for each vector.

mod guard;
mod page;
mod question;
mod server;
mod worker;

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use live::LiveModel;
use results::StageArguments;
use signal_hook::consts::SIGINT;
use signal_hook::flag::{register, register_conditional_shutdown};
use terminal::Output;
use tokio::net::TcpListener;
use tokio::time::sleep;

use guard::Guard;
use page::Page;
use server::{Server, router};
use worker::work;

/// The exit code that shells give a program ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// How long the rest of the answers may be read after Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(2);

/// A page on this machine alone, with sliders for each vector
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    stage: StageArguments,
    /// From 0 to 65535; 0 takes any free port
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
}

fn main() -> ExitCode {
    progress::start_log();
    terminal::finish("the page can't be served", run(&terminal::parsed()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let (pipeline, layout) = arguments.stage.read()?;
    let model = LiveModel::open(pipeline, &layout)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // The model's thread is not waited for: it may be in the middle of a long pass, and holds
    // nothing that must be ended.
    runtime.block_on(serve(model, arguments.port))
}

async fn serve(model: LiveModel, port: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.with_context(|| format!("can't listen on port {port}; choose another"))?;
    let port = listener.local_addr()?.port();
    let guard = Guard::of_port(port).context("this machine gives no random numbers")?;
    let address = format!("http://127.0.0.1:{port}/?token={}", guard.token());
    let (page, stop) = (Page::of(&model)?, Arc::new(AtomicBool::new(false)));
    let (jobs, receiver) = channel();
    let heard = Arc::clone(&stop);
    std::thread::spawn(move || work(model, receiver, heard));
    // Before the address is known, so that no Ctrl-C finds the program unready. One that comes
    // before the first was heard ends it at once.
    register_conditional_shutdown(SIGINT, INTERRUPTED, Arc::clone(&stop))?;
    register(SIGINT, Arc::clone(&stop))?;
    let server = axum::serve(listener, router(Server { guard, page, jobs }))
        .with_graceful_shutdown(stopped(Arc::clone(&stop)));
    writeln!(Output, "{address}")?;
    terminal::remark("Open it in a browser on this machine. Ctrl-C stops the server.");
    let out_of_patience = async {
        stopped(stop).await;
        sleep(PATIENCE).await;
    };
    tokio::select! {
        served = server => Ok(served?),
        () = out_of_patience => Ok(()),
    }
}

async fn stopped(stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        sleep(Duration::from_millis(20)).await;
    }
}
