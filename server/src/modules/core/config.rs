//! The core's own configuration: what a directory or a server starts with, and how an inner one is
//! merged over an outer one. Called by the configuration engine through `core_module`.

use std::{
    ffi::{c_char, c_int, c_void},
    mem::size_of,
};

use httpd_sys::{self as sys, core_dir_config, core_server_config};
use module_sdk::raw::Pool;

use super::options::{ETag, Options};

/// Numbers of the record that Apache's headers leave unnamed.
pub(crate) mod unset {
    use std::ffi::{c_int, c_long};

    use httpd_sys as sys;

    /// ContentDigest not given.
    pub(crate) const CONTENT_DIGEST: u32 = 2;
    /// AcceptPathInfo not given; the others are `AP_REQ_*_PATH_INFO`.
    pub(crate) const PATH_INFO: c_int = 3;
    /// LimitRequestBody not given.
    pub(crate) const BODY: sys::apr_off_t = -1;
    /// LimitXMLRequestBody not given.
    pub(crate) const XML_BODY: c_long = -1;
    /// A flag of two bits not given.
    pub(crate) const FLAG: u32 = 2;
    /// ProtocolsHonorOrder not given.
    pub(crate) const ORDER: c_int = -1;
    /// FlushMaxPipelined not given.
    pub(crate) const PIPELINED: i32 = -1;
}

/// Where documents are until `DocumentRoot` says otherwise; Debian's.
const DEFAULT_DOCUMENT_ROOT: &std::ffi::CStr = c"/var/www/html";
/// How much may wait in a connection before it is sent.
const FLUSH_THRESHOLD: usize = 65535;
/// How many pipelined responses may wait in a connection before they are sent.
const FLUSH_PIPELINED: i32 = 5;

/// Makes the record of a directory; `dir` is NULL for a server's defaults.
pub(super) unsafe extern "C" fn create_dir(
    pool: *mut sys::apr_pool_t,
    dir: *mut c_char,
) -> *mut c_void {
    // SAFETY: the engine passes a live pool; all zeros is a value of the record.
    unsafe {
        let conf: *mut core_dir_config = Pool::from_ptr(pool).zeroed();
        init_dir(&mut *conf, dir.is_null());
        conf.cast()
    }
}

/// Fills a zeroed record.
fn init_dir(conf: &mut core_dir_config, defaults: bool) {
    conf.opts = sys::OPT_UNSET as u8;
    if defaults {
        conf.opts |= sys::OPT_SYM_LINKS as u8;
    }
    conf.override_ = sys::OR_UNSET | sys::OR_NONE;
    conf.override_opts =
        (sys::OPT_UNSET | sys::OPT_ALL | sys::OPT_SYM_OWNER | sys::OPT_MULTI) as u8;
    conf.set_content_md5(unset::CONTENT_DIGEST);
    conf.accept_path_info = unset::PATH_INFO;
    conf.set_use_canonical_name(sys::USE_CANONICAL_NAME_UNSET);
    conf.set_use_canonical_phys_port(sys::USE_CANONICAL_PHYS_PORT_UNSET);
    conf.set_hostname_lookups(sys::HOSTNAME_LOOKUP_UNSET);
    conf.limit_req_body = unset::BODY;
    conf.limit_xml_body = unset::XML_BODY;
    conf.server_signature = sys::srv_sig_unset;
    conf.set_add_default_charset(sys::ADD_DEFAULT_CHARSET_UNSET);
    conf.add_default_charset_name = sys::DEFAULT_ADD_DEFAULT_CHARSET_NAME.as_ptr().cast();
    conf.set_enable_mmap(sys::ENABLE_MMAP_UNSET);
    conf.set_enable_sendfile(sys::ENABLE_SENDFILE_UNSET);
    conf.max_ranges = sys::AP_MAXRANGES_UNSET;
    conf.max_overlaps = sys::AP_MAXRANGES_UNSET;
    conf.max_reversals = sys::AP_MAXRANGES_UNSET;
    conf.set_cgi_pass_auth(sys::AP_CGI_PASS_AUTH_UNSET);
    conf.set_qualify_redirect_url(unset::FLAG);
}

/// Takes fields over from the inner record where it has a value.
macro_rules! take {
    // Pointers: NULL is no value.
    ($merged:ident, $new:ident, pointers $($field:ident)*) => {
        $(if !$new.$field.is_null() { $merged.$field = $new.$field; })*
    };
    // Numbers with a value that means none.
    ($merged:ident, $new:ident, numbers $($field:ident != $none:expr;)*) => {
        $(if $new.$field != $none { $merged.$field = $new.$field; })*
    };
    // The same in a few bits.
    ($merged:ident, $new:ident, bits $($field:ident $set:ident != $none:expr;)*) => {
        $(if $new.$field() != $none { $merged.$set($new.$field()); })*
    };
}

/// Merges the record of an inner directory or section over an outer one's.
pub(super) unsafe extern "C" fn merge_dir(
    pool: *mut sys::apr_pool_t,
    base: *mut c_void,
    new: *mut c_void,
) -> *mut c_void {
    // SAFETY: the engine passes two records of ours and a live pool; what the arrays and tables
    // hold lives as long as the records.
    unsafe {
        let merged: *mut core_dir_config =
            sys::apr_pmemdup(pool, base, size_of::<core_dir_config>()).cast();
        let (base, new) = (
            &*base.cast::<core_dir_config>(),
            &*new.cast::<core_dir_config>(),
        );
        merge_values(&mut *merged, new);
        merge_collections(pool, &mut *merged, base, new);
        merged.cast()
    }
}

/// The part of a merge that needs no memory.
fn merge_values(merged: &mut core_dir_config, new: &core_dir_config) {
    merged.d = new.d;
    merged.set_d_is_fnmatch(new.d_is_fnmatch());
    merged.d_components = new.d_components;
    merged.r = new.r;
    merged.refs = new.refs;
    merged.condition = new.condition;
    merged.set_condition_ifelse(new.condition_ifelse());

    set_options(merged, options(merged).merge(options(new)));
    if new.override_ & sys::OR_UNSET == 0 {
        merged.override_ = new.override_;
    }
    if new.override_opts & sys::OPT_UNSET as u8 == 0 {
        merged.override_opts = new.override_opts;
    }
    let etag = etag(merged).merge(etag(new));
    set_etag(merged, etag);

    take!(merged, new, pointers
        override_list limit_cpu limit_mem limit_nproc mime_type handler expr_handler
        output_filters input_filters);
    take!(merged, new, numbers
        accept_path_info != unset::PATH_INFO;
        limit_req_body != unset::BODY;
        limit_xml_body != unset::XML_BODY;
        server_signature != sys::srv_sig_unset;
        max_ranges != sys::AP_MAXRANGES_UNSET;
        max_overlaps != sys::AP_MAXRANGES_UNSET;
        max_reversals != sys::AP_MAXRANGES_UNSET;
        read_buf_size != 0;);
    take!(merged, new, bits
        hostname_lookups set_hostname_lookups != sys::HOSTNAME_LOOKUP_UNSET;
        content_md5 set_content_md5 != unset::CONTENT_DIGEST;
        use_canonical_name set_use_canonical_name != sys::USE_CANONICAL_NAME_UNSET;
        use_canonical_phys_port set_use_canonical_phys_port != sys::USE_CANONICAL_PHYS_PORT_UNSET;
        enable_mmap set_enable_mmap != sys::ENABLE_MMAP_UNSET;
        enable_sendfile set_enable_sendfile != sys::ENABLE_SENDFILE_UNSET;
        cgi_pass_auth set_cgi_pass_auth != sys::AP_CGI_PASS_AUTH_UNSET;
        qualify_redirect_url set_qualify_redirect_url != unset::FLAG;);
    if new.add_default_charset() != sys::ADD_DEFAULT_CHARSET_UNSET {
        merged.set_add_default_charset(new.add_default_charset());
        take!(merged, new, pointers add_default_charset_name);
    }
    // A bit each, without a place for "not given": the inner record always wins.
    merged.set_allow_encoded_slashes(new.allow_encoded_slashes());
    merged.set_decode_encoded_slashes(new.decode_encoded_slashes());
}

/// The part of a merge that joins tables and lists of both records.
///
/// # Safety
/// As `merge_dir`.
unsafe fn merge_collections(
    pool: *mut sys::apr_pool_t,
    merged: &mut core_dir_config,
    base: &core_dir_config,
    new: &core_dir_config,
) {
    // SAFETY: the caller's promise.
    unsafe {
        merged.response_code_exprs =
            overlay(pool, base.response_code_exprs, new.response_code_exprs);
        merged.cgi_var_rules = overlay(pool, base.cgi_var_rules, new.cgi_var_rules);
        merged.sec_file = append(pool, base.sec_file, new.sec_file);
        merged.sec_if = append(pool, base.sec_if, new.sec_if);
        if !new.log.is_null() {
            if base.log.is_null() {
                merged.log = new.log;
            } else {
                merged.log = sys::ap_new_log_config(pool, new.log);
                sys::ap_merge_log_config(base.log, merged.log);
            }
        }
    }
}

/// `new` over `base`; either may be NULL.
///
/// # Safety
/// Both are NULL or live.
unsafe fn overlay(
    pool: *mut sys::apr_pool_t,
    base: *mut sys::apr_hash_t,
    new: *mut sys::apr_hash_t,
) -> *mut sys::apr_hash_t {
    match (base.is_null(), new.is_null()) {
        (_, true) => base,
        (true, false) => new,
        // SAFETY: both are live.
        (false, false) => unsafe { sys::apr_hash_overlay(pool, new, base) },
    }
}

/// `new` behind `base`; either may be NULL.
///
/// # Safety
/// Both are NULL or live, with elements of one kind.
unsafe fn append(
    pool: *mut sys::apr_pool_t,
    base: *mut sys::apr_array_header_t,
    new: *mut sys::apr_array_header_t,
) -> *mut sys::apr_array_header_t {
    match (base.is_null(), new.is_null()) {
        (_, true) => base,
        (true, false) => new,
        // SAFETY: both are live.
        (false, false) => unsafe { sys::apr_array_append(pool, base, new) },
    }
}

/// The options in a record.
pub(super) fn options(conf: &core_dir_config) -> Options {
    Options {
        set: conf.opts,
        add: conf.opts_add,
        remove: conf.opts_remove,
    }
}

/// Puts options into a record.
pub(super) fn set_options(conf: &mut core_dir_config, options: Options) {
    conf.opts = options.set;
    conf.opts_add = options.add;
    conf.opts_remove = options.remove;
}

/// What a record says about ETags.
pub(super) fn etag(conf: &core_dir_config) -> ETag {
    ETag {
        bits: conf.etag_bits,
        add: conf.etag_add,
        remove: conf.etag_remove,
    }
}

/// Puts what holds for ETags into a record.
pub(super) fn set_etag(conf: &mut core_dir_config, etag: ETag) {
    conf.etag_bits = etag.bits;
    conf.etag_add = etag.add;
    conf.etag_remove = etag.remove;
}

/// Makes the record of a server.
pub(super) unsafe extern "C" fn create_server(
    pool: *mut sys::apr_pool_t,
    server: *mut sys::server_rec,
) -> *mut c_void {
    // SAFETY: the engine passes a live pool and the server being made; the main server exists
    // before any virtual host.
    unsafe {
        let place = Pool::from_ptr(pool);
        let raw: *mut core_server_config = place.zeroed();
        let conf = &mut *raw;
        if (*server).is_virtual == 0 {
            conf.ap_document_root = DEFAULT_DOCUMENT_ROOT.as_ptr();
            conf.access_name = sys::DEFAULT_ACCESS_FNAME.as_ptr().cast_mut().cast();
            let filters = place.table(5);
            filters.set_static(c"http", c"data");
            filters.set_static(c"https", c"data");
            conf.accf_map = filters.as_ptr();
            conf.flush_max_threshold = FLUSH_THRESHOLD;
            conf.flush_max_pipelined = FLUSH_PIPELINED;
        } else {
            // Messages about a virtual host have the main server's form while it is being read.
            if !sys::ap_server_conf.is_null() {
                let main = sys::ap_get_core_module_config((*sys::ap_server_conf).module_config)
                    .cast::<core_server_config>();
                conf.error_log_format = (*main).error_log_format;
            }
            conf.flush_max_pipelined = unset::PIPELINED;
        }
        conf.sec_dir = place.array::<*mut sys::ap_conf_vector_t>(40).as_ptr();
        conf.sec_url = place.array::<*mut sys::ap_conf_vector_t>(40).as_ptr();
        conf.trace_enable = sys::AP_TRACE_UNSET;
        conf.protocols = place.array::<*const c_char>(5).as_ptr();
        conf.protocols_honor_order = unset::ORDER;
        conf.merge_slashes = unset::FLAG;
        conf.strict_host_check = unset::FLAG;
        raw.cast()
    }
}

/// Merges the record of a virtual host over the main server's.
pub(super) unsafe extern "C" fn merge_server(
    pool: *mut sys::apr_pool_t,
    base: *mut c_void,
    new: *mut c_void,
) -> *mut c_void {
    // SAFETY: as `merge_dir`, for servers.
    unsafe {
        let raw: *mut core_server_config =
            sys::apr_pmemdup(pool, base, size_of::<core_server_config>()).cast();
        let (merged, base) = (&mut *raw, &*base.cast::<core_server_config>());
        let new = &*new.cast::<core_server_config>();
        take!(merged, new, pointers
            ap_document_root access_name protocol gprof_dir error_log_format error_log_conn
            error_log_req);
        take!(merged, new, numbers
            redirect_limit != 0;
            subreq_limit != 0;
            trace_enable != sys::AP_TRACE_UNSET;
            http09_enable != sys::AP_HTTP09_UNSET as c_char;
            http_conformance != sys::AP_HTTP_CONFORMANCE_UNSET as c_char;
            http_methods != sys::AP_HTTP_METHODS_UNSET as c_char;
            merge_trailers != sys::AP_MERGE_TRAILERS_UNSET as c_int;
            protocols_honor_order != unset::ORDER;
            merge_slashes != unset::FLAG;
            strict_host_check != unset::FLAG;
            flush_max_threshold != 0;
            flush_max_pipelined != unset::PIPELINED;);
        if (*new.protocols).nelts > 0 {
            merged.protocols = new.protocols;
        }
        merged.sec_dir = sys::apr_array_append(pool, base.sec_dir, new.sec_dir);
        merged.sec_url = sys::apr_array_append(pool, base.sec_url, new.sec_url);
        raw.cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(defaults: bool) -> core_dir_config {
        // SAFETY: the record is numbers and pointers, for which zero is a value.
        let mut conf: core_dir_config = unsafe { std::mem::zeroed() };
        init_dir(&mut conf, defaults);
        conf
    }

    #[test]
    fn nothing_said_changes_nothing() {
        let mut merged = record(true);
        merge_values(&mut merged, &record(false));
        assert_eq!(merged.opts, (sys::OPT_UNSET | sys::OPT_SYM_LINKS) as u8);
        assert_eq!(merged.override_, sys::OR_UNSET);
        assert_eq!(merged.add_default_charset(), sys::ADD_DEFAULT_CHARSET_UNSET);
        assert_eq!(merged.enable_mmap(), sys::ENABLE_MMAP_UNSET);
        assert_eq!(merged.limit_req_body, unset::BODY);
    }

    #[test]
    fn what_the_inner_directory_says_holds() {
        let (mut outer, mut inner) = (record(true), record(false));
        outer.limit_req_body = 5;
        outer.max_ranges = 7;
        outer.server_signature = sys::srv_sig_on;
        outer.set_enable_sendfile(sys::ENABLE_SENDFILE_ON);
        outer.mime_type = c"text/plain".as_ptr();
        inner.limit_req_body = 0;
        inner.set_enable_sendfile(sys::ENABLE_SENDFILE_OFF);
        inner.server_signature = sys::srv_sig_off;
        inner.override_ = sys::OR_NONE;
        merge_values(&mut outer, &inner);
        assert_eq!(outer.limit_req_body, 0);
        assert_eq!(outer.max_ranges, 7);
        assert_eq!(outer.server_signature, sys::srv_sig_off);
        assert_eq!(outer.enable_sendfile(), sys::ENABLE_SENDFILE_OFF);
        assert_eq!(outer.override_, sys::OR_NONE);
        assert!(!outer.mime_type.is_null());
    }

    #[test]
    fn a_charset_is_taken_over_with_its_name() {
        let (mut outer, mut inner) = (record(true), record(false));
        outer.set_add_default_charset(sys::ADD_DEFAULT_CHARSET_ON);
        outer.add_default_charset_name = c"utf-8".as_ptr();
        merge_values(&mut outer, &inner);
        assert_eq!(outer.add_default_charset_name, c"utf-8".as_ptr());
        inner.set_add_default_charset(sys::ADD_DEFAULT_CHARSET_OFF);
        merge_values(&mut outer, &inner);
        assert_eq!(outer.add_default_charset(), sys::ADD_DEFAULT_CHARSET_OFF);
    }
}
