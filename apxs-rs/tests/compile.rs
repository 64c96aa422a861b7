//! `-c`: what it makes of sources, and which modules it refuses.

mod common;

use std::fs;

use anyhow::{Result, ensure};
use common::{Scratch, c_module, cpp_module};

#[test]
fn results_are_where_build_scripts_look() -> Result<()> {
    let scratch = Scratch::new()?;
    scratch.write("mod_x.c", &c_module(""))?;
    let run = scratch.good(&["-c", "mod_x.c"])?;
    for file in [
        "mod_x.la",
        "mod_x.lo",
        "mod_x.slo",
        ".libs/mod_x.so",
        ".libs/mod_x.o",
    ] {
        ensure!(scratch.file(file).is_file(), "no {file}: {}", run.printed);
    }
    let archive = fs::read_to_string(scratch.file("mod_x.la"))?;
    ensure!(archive.contains("dlname='mod_x.so'\n"), "{archive}");
    let modules = scratch.prefix().join("modules");
    ensure!(
        archive.contains(&format!("libdir='{}'", modules.display())),
        "{archive}"
    );
    ensure!(!run.printed.contains("warning"), "{}", run.printed);
    Ok(())
}

#[test]
fn a_module_in_cpp_is_linked_with_its_library() -> Result<()> {
    let scratch = Scratch::new()?;
    let body = "#include <string>\n#include <stdexcept>\nstd::string text(int n) { if (n < 0) \
                throw std::runtime_error(\"n\"); return std::to_string(n); }\n";
    for name in ["mod_x.cpp", "mod_y.cc", "mod_z.cxx"] {
        scratch.write(name, &cpp_module(body))?;
        let object = format!(".libs/{}so", &name[..6]);
        scratch.good(&["-c", name])?;
        let elf = scratch.elf(&object)?;
        ensure!(elf.contains("libstdc++"), "{elf}");
    }
    Ok(())
}

#[test]
fn several_sources_objects_and_archives_make_one_module() -> Result<()> {
    let scratch = Scratch::new()?;
    let body = "int one(void); int two(void); int sum(void) { return one() + two(); }";
    scratch.write("mod_x.c", &c_module(body))?;
    scratch.write("src/one.c", "int one(void) { return 1; }")?;
    scratch.write("two.c", "int two(void) { return 2; }")?;
    scratch.good(&["-c", "-o", "mod_sum.la", "mod_x.c", "src/one.c", "two.c"])?;
    let elf = scratch.elf(".libs/mod_sum.so")?;
    for symbol in ["one", "two", "sum", "x_module"] {
        ensure!(elf.contains(&format!(" {symbol}\n")), "no {symbol}: {elf}");
    }
    ensure!(scratch.file("src/one.lo").is_file() && scratch.file("src/.libs/one.o").is_file());

    // Linked again from what the first run left, in each form.
    scratch.command(std::process::Command::new("ar").args(["rc", "libtwo.a", ".libs/two.o"]))?;
    let parts = ["mod_x.lo", "src/.libs/one.o", "libtwo.a"];
    scratch.good(&[&["-c", "-o", "mod_again.so"], &parts[..]].concat())?;
    ensure!(scratch.elf(".libs/mod_again.so")?.contains(" two\n"));
    ensure!(scratch.file("mod_again.la").is_file());
    Ok(())
}

#[test]
fn flags_reach_compiler_and_linker() -> Result<()> {
    let scratch = Scratch::new()?;
    scratch.write("more/answer.h", "#define ANSWER 42\n")?;
    let body = "#include <zlib.h>\n#include \"answer.h\"\n#if ANSWER != 42 || !defined(SEEN) || \
                !defined(__OPTIMIZE_SIZE__) || !defined(FROM_CFLAGS) || VALUE != 7\n#error flags \
                are lost\n#endif\nconst char *name(void) { return TEXT; }\n";
    scratch.write(
        "mod_x.c",
        &c_module(&body.replace("#include <zlib.h>\n", "")),
    )?;
    let run = scratch.good(&[
        "-D",
        "SEEN",
        "-DVALUE=7",
        "-Imore",
        r#"-DTEXT=\"x\""#,
        "-S",
        "CFLAGS=-g -DFROM_CFLAGS",
        "-Wc,-Os -Wunused-variable",
        "-Wl,-rpath,/some/where",
        "-c",
        "mod_x.c",
        "-lm",
    ])?;
    ensure!(
        scratch.elf(".libs/mod_x.so")?.contains("[/some/where]"),
        "{}",
        run.printed
    );
    ensure!(
        run.printed
            .contains("-DLINUX -D_REENTRANT -D_GNU_SOURCE -pthread"),
        "{}",
        run.printed
    );
    Ok(())
}

#[test]
fn warnings_and_errors_of_the_compiler_are_shown() -> Result<()> {
    let scratch = Scratch::new()?;
    scratch.write("mod_x.c", &c_module("static int unused_thing;"))?;
    let run = scratch.good(&["-c", "-Wc,-Wall", "mod_x.c"])?;
    ensure!(run.printed.contains("unused_thing"), "{}", run.printed);
    scratch.write("mod_x.c", &c_module("syntax error"))?;
    let run = scratch.run(&["-c", "mod_x.c"])?;
    ensure!(
        !run.good && run.printed.contains("mod_x.c:"),
        "{}",
        run.printed
    );
    Ok(())
}

#[test]
fn an_undefined_symbol_is_named_and_no_result_stays() -> Result<()> {
    let scratch = Scratch::new()?;
    scratch.write("mod_x.c", &c_module(""))?;
    scratch.good(&["-c", "mod_x.c"])?;
    let calls = "int ap_no_such_function(void); int f(void) { return ap_no_such_function(); }";
    scratch.write("mod_x.c", &c_module(calls))?;
    let run = scratch.run(&["-c", "mod_x.c"])?;
    let expected = "mod_x.so: undefined symbol ap_no_such_function: neither httpd-rs nor a \
                    library the module is linked with has it";
    ensure!(
        !run.good && run.printed.contains(expected),
        "{}",
        run.printed
    );
    ensure!(!scratch.file(".libs/mod_x.so").exists() && !scratch.file("mod_x.la").exists());

    let weak = calls.replacen("int", "__attribute__((weak)) int", 1);
    scratch.write("mod_x.c", &c_module(&weak))?;
    scratch.good(&["-c", "mod_x.c"])?;
    Ok(())
}

#[test]
fn a_symbol_may_come_from_a_library_or_from_another_module() -> Result<()> {
    let scratch = Scratch::new()?;
    let calls = "double lgamma_r(double, int *); int n; double f(double x) { return lgamma_r(x, \
                 &n); }\n";
    scratch.write("mod_x.c", &c_module(calls))?;
    scratch.good(&["-c", "mod_x.c", "-lm"])?;
    ensure!(scratch.elf(".libs/mod_x.so")?.contains("[libm.so.6]"));

    scratch.write("mod_giver.c", &c_module("int given(void) { return 1; }"))?;
    let taker = c_module("int given(void); int taken(void) { return given(); }");
    scratch.write("mod_taker.c", &taker)?;
    // Who will have it is not known: a warning, as build scripts made for Apache count on a module.
    let run = scratch.good(&["-c", "mod_taker.c"])?;
    ensure!(
        run.printed.contains("undefined symbol given") && run.printed.contains("warning"),
        "{}",
        run.printed
    );
    scratch.good(&["-c", "-i", "mod_giver.c"])?;
    let run = scratch.good(&["-c", "mod_taker.c"])?;
    ensure!(
        run.printed
            .contains("modules/mod_giver.so, which must be loaded"),
        "{}",
        run.printed
    );
    Ok(())
}

#[test]
fn a_module_for_another_server_is_refused() -> Result<()> {
    let scratch = Scratch::new()?;
    let good = c_module("");
    let number = good.replace(
        "STANDARD20_MODULE_STUFF",
        "20990101, 0, -1, \"x\", 0, 0, MODULE_MAGIC_COOKIE, 0",
    );
    scratch.write("mod_x.c", &number)?;
    let run = scratch.run(&["-c", "mod_x.c"])?;
    ensure!(!run.good, "accepted");
    for word in ["x_module", "20990101", "20120211"] {
        ensure!(run.printed.contains(word), "no {word}: {}", run.printed);
    }
    let cookie = good.replace(
        "STANDARD20_MODULE_STUFF",
        "20120211, 0, -1, \"x\", 0, 0, 0x41503232UL, 0",
    );
    scratch.write("mod_x.c", &cookie)?;
    let run = scratch.run(&["-c", "mod_x.c"])?;
    ensure!(
        !run.good && run.printed.contains("0x41503232 (AP22)"),
        "{}",
        run.printed
    );
    ensure!(run.printed.contains("0x41503234 (AP24)"), "{}", run.printed);
    scratch.write("plain.c", "int f(void) { return 1; }")?;
    let run = scratch.good(&["-c", "plain.c"])?;
    ensure!(
        run.printed.contains("warning: no module structure"),
        "{}",
        run.printed
    );
    Ok(())
}

#[test]
fn bad_command_lines_are_explained() -> Result<()> {
    let scratch = Scratch::new()?;
    for (arguments, words) in [
        (&["-c"][..], "no files"),
        (&["-x"], "Unknown option: x"),
        (&["-c", "mod_x.c", "-o"], "Incomplete option: o"),
        (
            &["-S", "NO_SUCH=1", "-c", "mod_x.c"],
            "no config variable NO_SUCH",
        ),
        (&["-i", "mod_x.txt"], "is not a shared object"),
    ] {
        let run = scratch.run(arguments)?;
        ensure!(
            !run.good && run.printed.contains(words),
            "{arguments:?}: {}",
            run.printed
        );
    }
    ensure!(scratch.good(&["-h"])?.answer.starts_with("Usage: apxs-rs"));
    ensure!(scratch.good(&["-v"])?.answer.contains("20120211"));
    Ok(())
}
