//! Limits on requests and on what they may use: `LimitRequest*`, `MaxRange*`, `RLimit*`, buffers,
//! and where modules may block (`ModuleExecution`).

use std::ffi::{CStr, c_int};

use httpd_sys as sys;

use super::{leading_number, whole_number};
use crate::modules::core::{
    command::{Cmd, Outcome, shown},
    execution,
};

/// `ModuleExecution module auto|inline|offload`
pub(in crate::modules::core) fn module_execution(
    cmd: Cmd<'_>,
    module: &CStr,
    mode: Option<&CStr>,
) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    execution::set(module, mode.unwrap_or_default())?;
    Ok(())
}

/// The largest LimitXMLRequestBody that the escaping of a body cannot overflow.
pub(crate) const MAX_XML_BODY: u64 = (u64::MAX - 6) / 6;

/// A limit of the request's head in an `int`, counted from 0.
fn head_limit(cmd: Cmd<'_>, number: &CStr, hint: &str) -> Result<c_int, String> {
    match leading_number(number) {
        limit if limit < 0 => Err(format!(
            "{} \"{}\" must be a non-negative integer{hint}",
            cmd.name(),
            shown(number)
        )),
        limit => Ok(c_int::try_from(limit).unwrap_or(c_int::MAX)),
    }
}

/// `LimitRequestLine bytes`
pub(in crate::modules::core) fn request_line(cmd: Cmd<'_>, number: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    cmd.server().limit_req_line = head_limit(cmd, number, "")?;
    Ok(())
}

/// `LimitRequestFieldSize bytes`
pub(in crate::modules::core) fn request_field_size(cmd: Cmd<'_>, number: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    cmd.server().limit_req_fieldsize = head_limit(cmd, number, "")?;
    Ok(())
}

/// `LimitRequestFields number`
pub(in crate::modules::core) fn request_fields(cmd: Cmd<'_>, number: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    cmd.server().limit_req_fields = head_limit(cmd, number, " (0 = no limit)")?;
    Ok(())
}

/// `LimitRequestBody bytes`
pub(in crate::modules::core) fn request_body(cmd: Cmd<'_>, number: &CStr) -> Outcome {
    let limit = whole_number(number)
        .filter(|&limit| limit >= 0)
        .ok_or("LimitRequestBody requires a non-negative integer.")?;
    cmd.dir().limit_req_body = limit;
    Ok(())
}

/// `LimitXMLRequestBody bytes`
pub(in crate::modules::core) fn xml_request_body(cmd: Cmd<'_>, number: &CStr) -> Outcome {
    let text = shown(number);
    let text = text.trim();
    let limit = match text.parse::<u64>() {
        Ok(limit) => limit,
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => u64::MAX,
        Err(_) => return Err("LimitXMLRequestBody requires a non-negative integer.".into()),
    };
    if limit > MAX_XML_BODY {
        return Err(format!("LimitXMLRequestBody must not exceed {MAX_XML_BODY}").into());
    }
    cmd.dir().limit_xml_body = limit as std::ffi::c_long;
    Ok(())
}

/// `LimitInternalRecursion redirects [subrequests]`
pub(in crate::modules::core) fn internal_recursion(
    cmd: Cmd<'_>,
    redirects: &CStr,
    subrequests: Option<&CStr>,
) -> Outcome {
    /// Fewer are worth a warning.
    const FEW: c_int = 4;
    let number = |text: &CStr| match leading_number(text) {
        limit if limit <= 0 => Err("The recursion limit must be greater than zero."),
        limit => Ok(c_int::try_from(limit).unwrap_or(c_int::MAX)),
    };
    let redirects = number(redirects)?;
    let conf = cmd.core_server();
    if redirects < FEW {
        cmd.log(
            sys::APLOG_WARNING,
            "AH00119: Limiting internal redirects to very low numbers may cause normal requests \
             to fail.",
        );
    }
    conf.redirect_limit = redirects;
    conf.subreq_limit = match subrequests {
        Some(limit) => number(limit)?,
        None => redirects,
    };
    if conf.subreq_limit < FEW && subrequests.is_some() {
        cmd.log(
            sys::APLOG_WARNING,
            "AH00120: Limiting the subrequest depth to a very low level may cause normal \
             requests to fail.",
        );
    }
    Ok(())
}

/// A value of `MaxRanges` and its kin.
fn range_limit(text: &str) -> Option<c_int> {
    let named = [
        ("none", sys::AP_MAXRANGES_NORANGES as c_int),
        ("default", sys::AP_MAXRANGES_DEFAULT),
        ("unlimited", sys::AP_MAXRANGES_UNLIMITED),
    ];
    crate::modules::core::options::choice(text, &named)
        .or_else(|| text.parse().ok().filter(|&limit: &c_int| limit > 0))
}

fn range_limit_of(cmd: Cmd<'_>, word: &CStr) -> Result<c_int, String> {
    range_limit(&shown(word)).ok_or_else(|| {
        format!(
            "{} requires 'none', 'default', 'unlimited' or a positive integer",
            cmd.name()
        )
    })
}

/// `MaxRanges default|unlimited|none|number`
pub(in crate::modules::core) fn max_ranges(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.dir().max_ranges = range_limit_of(cmd, word)?;
    Ok(())
}

/// `MaxRangeOverlaps default|unlimited|none|number`
pub(in crate::modules::core) fn max_overlaps(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.dir().max_overlaps = range_limit_of(cmd, word)?;
    Ok(())
}

/// `MaxRangeReversals default|unlimited|none|number`
pub(in crate::modules::core) fn max_reversals(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.dir().max_reversals = range_limit_of(cmd, word)?;
    Ok(())
}

/// `RLimitCPU soft [hard]`
pub(in crate::modules::core) fn cpu(cmd: Cmd<'_>, soft: &CStr, hard: Option<&CStr>) -> Outcome {
    resource(
        cmd,
        &raw mut cmd.dir().limit_cpu,
        soft,
        hard,
        libc::RLIMIT_CPU,
    )
}

/// `RLimitMEM soft [hard]`
pub(in crate::modules::core) fn memory(cmd: Cmd<'_>, soft: &CStr, hard: Option<&CStr>) -> Outcome {
    resource(
        cmd,
        &raw mut cmd.dir().limit_mem,
        soft,
        hard,
        libc::RLIMIT_AS,
    )
}

/// `RLimitNPROC soft [hard]`
pub(in crate::modules::core) fn processes(
    cmd: Cmd<'_>,
    soft: &CStr,
    hard: Option<&CStr>,
) -> Outcome {
    resource(
        cmd,
        &raw mut cmd.dir().limit_nproc,
        soft,
        hard,
        libc::RLIMIT_NPROC,
    )
}

fn resource(
    cmd: Cmd<'_>,
    place: *mut *mut sys::rlimit,
    soft: &CStr,
    hard: Option<&CStr>,
    kind: libc::__rlimit_resource_t,
) -> Outcome {
    let hard = hard.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: the place is a field of the directory's record.
    unsafe { sys::ap_unixd_set_rlimit(cmd.as_ptr(), place, soft.as_ptr(), hard, kind as c_int) };
    Ok(())
}

/// `ReadBufferSize bytes`; 0: the usual size.
pub(in crate::modules::core) fn read_buffer_size(cmd: Cmd<'_>, number: &CStr) -> Outcome {
    cmd.dir().read_buf_size = buffer_size(number)?;
    Ok(())
}

/// A size that fits into four bytes.
fn buffer_size(number: &CStr) -> Result<usize, String> {
    whole_number(number)
        .and_then(|size| u32::try_from(size).ok())
        .map(|size| size as usize)
        .ok_or_else(|| {
            format!(
                "parameter must be a number between 0 and ({}U)): {}",
                u32::MAX,
                shown(number)
            )
        })
}

/// `FlushMaxThreshold bytes`
pub(in crate::modules::core) fn flush_max_threshold(cmd: Cmd<'_>, number: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    // 0 in the record means "not given": as much as there is.
    cmd.core_server().flush_max_threshold = match buffer_size(number)? {
        0 => usize::MAX,
        size => size,
    };
    Ok(())
}

/// `FlushMaxPipelined number`
pub(in crate::modules::core) fn flush_max_pipelined(cmd: Cmd<'_>, number: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    match whole_number(number) {
        Some(count) if (-1..=i64::from(i32::MAX)).contains(&count) => {
            // -1 in the record means "not given": as many as there are.
            cmd.core_server().flush_max_pipelined = if count < 0 { i32::MAX } else { count as i32 };
            Ok(())
        }
        _ => Err(format!(
            "parameter must be a number between -1 and ({}): {}",
            i32::MAX,
            shown(number)
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_limits_are_words_or_positive_numbers() {
        assert_eq!(range_limit("None"), Some(0));
        assert_eq!(range_limit("default"), Some(-2));
        assert_eq!(range_limit("unlimited"), Some(-3));
        assert_eq!(range_limit("200"), Some(200));
        assert_eq!(range_limit("0"), None);
        assert_eq!(range_limit("-1"), None);
        assert_eq!(range_limit("few"), None);
    }

    #[test]
    fn the_largest_xml_body_is_apaches() {
        assert_eq!(MAX_XML_BODY, 3_074_457_345_618_258_601);
    }
}
