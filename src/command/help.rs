//! Help and complaints of the command line, with flags as the documents spell them: with one dash.

use clap::error::{Error, ErrorKind};

use super::failure::Exit;
use super::terminal::Terminal;

/// Prints what the parser of the command line has to say.
pub fn show(error: &Error, terminal: &Terminal) -> Exit {
    let rendered = error.render();
    let wanted = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let colour = if wanted { terminal.colour } else { terminal.colour_errors };
    let text = if colour { rendered.ansi().to_string() } else { rendered.to_string() };
    let text = with_one_dash(&text);
    if wanted {
        // A pager that was closed has seen enough.
        terminal.print(&text).unwrap_or_default();
        return Exit::Done;
    }
    terminal.report(&text);
    Exit::Failed
}

/// Writes `--flag` as `-flag`; in lists of flags, columns stay where they are.
fn with_one_dash(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut in_list = is_listed(line);
        let mut rest = line;
        while let Some(at) = rest.find("--") {
            let (before, flag) = (&rest[..at], &rest[at + 2..]);
            out.push_str(before);
            let is_flag = flag.starts_with(|c: char| c.is_ascii_lowercase());
            let dash = match (is_flag, std::mem::take(&mut in_list)) {
                (true, true) => " -",
                (true, false) => "-",
                (false, _) => "--",
            };
            out.push_str(dash);
            rest = flag;
        }
        out.push_str(rest);
    }
    out
}

/// Returns whether a line is one of a list of flags, with or without colours.
fn is_listed(line: &str) -> bool {
    let mut text = line;
    loop {
        text = text.trim_start();
        let Some(sequence) = text.strip_prefix("\u{1b}[") else { break };
        let Some(end) = sequence.find('m') else { break };
        text = &sequence[end + 1..];
    }
    line.starts_with(' ') && text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::with_one_dash;

    #[test]
    fn columns_stay_where_they_are() {
        let help =
            "  -C, --chdir <DIR>  Run there\n      --json         See `--raw`\nfor `--help`\n";
        let wanted =
            "  -C,  -chdir <DIR>  Run there\n       -json         See `-raw`\nfor `-help`\n";
        assert_eq!(with_one_dash(help), wanted);
    }
}
