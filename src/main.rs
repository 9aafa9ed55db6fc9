//! The `natform` program: hands the process over to [`natform::command::run`].

use std::process::ExitCode;

fn main() -> ExitCode {
    natform::command::run(std::env::args_os())
}
