//! The hook points of the core, declared once in one table.
//!
//! A row says how the hook runs: `void` calls every function; `all` calls every one until one
//! answers neither OK nor DECLINED; `first` stops at the first that does not answer the value
//! behind `=`. Ordering is done by APR-util (`apr_hook_sort_all`), which sorts the very arrays that
//! `ap_hook_get_*` hands to modules.

#![allow(
    clippy::missing_safety_doc,
    clippy::cmp_null,
    clippy::needless_borrow,
    reason = "the headers state each contract; one macro compares numbers and pointers alike"
)]

pub mod dump;
pub mod execution;
pub mod kinds;
mod registry;
pub mod timing;

use std::{
    ffi::{c_char, c_int, c_long, c_void},
    ptr::{null, null_mut},
};

use httpd_sys::*;

use registry::{Hook, hooks};

use crate::crash::{
    panics::{self, Answer},
    policy::{self, Instead},
    trail::{self, Phase, Place, Step, Subject},
};

const APR_ENOTIMPL: apr_status_t = 70023;

hooks! {
    void ap_hook_test_config ap_run_test_config ap_hook_get_test_config ap_HOOK_test_config_t (pconf: *mut apr_pool_t, s: *mut server_rec);
    void ap_hook_child_init ap_run_child_init ap_hook_get_child_init ap_HOOK_child_init_t (pchild: *mut apr_pool_t, s: *mut server_rec);
    void ap_hook_optional_fn_retrieve ap_run_optional_fn_retrieve ap_hook_get_optional_fn_retrieve ap_HOOK_optional_fn_retrieve_t ();
    void ap_hook_child_status ap_run_child_status ap_hook_get_child_status ap_HOOK_child_status_t (s: *mut server_rec, pid: pid_t, gen_: ap_generation_t, slot: c_int, state: mpm_child_status);
    void ap_hook_end_generation ap_run_end_generation ap_hook_get_end_generation ap_HOOK_end_generation_t (s: *mut server_rec, gen_: ap_generation_t);
    void ap_hook_error_log ap_run_error_log ap_hook_get_error_log ap_HOOK_error_log_t (info: *const ap_errorlog_info, errstr: *const c_char);
    void ap_hook_insert_error_filter ap_run_insert_error_filter ap_hook_get_insert_error_filter ap_HOOK_insert_error_filter_t (r: *mut request_rec);
    void ap_hook_pre_read_request ap_run_pre_read_request ap_hook_get_pre_read_request ap_HOOK_pre_read_request_t (r: *mut request_rec, c: *mut conn_rec);
    void ap_hook_insert_filter ap_run_insert_filter ap_hook_get_insert_filter ap_HOOK_insert_filter_t (r: *mut request_rec);
    void ap_hook_suspend_connection ap_run_suspend_connection ap_hook_get_suspend_connection ap_HOOK_suspend_connection_t (c: *mut conn_rec, r: *mut request_rec);
    void ap_hook_resume_connection ap_run_resume_connection ap_hook_get_resume_connection ap_HOOK_resume_connection_t (c: *mut conn_rec, r: *mut request_rec);
    void ap_hook_child_stopping ap_run_child_stopping ap_hook_get_child_stopping ap_HOOK_child_stopping_t (pchild: *mut apr_pool_t, graceful: c_int);
    all ap_hook_header_parser ap_run_header_parser ap_hook_get_header_parser ap_HOOK_header_parser_t (r: *mut request_rec);
    all ap_hook_pre_config ap_run_pre_config ap_hook_get_pre_config ap_HOOK_pre_config_t (pconf: *mut apr_pool_t, plog: *mut apr_pool_t, ptemp: *mut apr_pool_t);
    all ap_hook_check_config ap_run_check_config ap_hook_get_check_config ap_HOOK_check_config_t (pconf: *mut apr_pool_t, plog: *mut apr_pool_t, ptemp: *mut apr_pool_t, s: *mut server_rec);
    all ap_hook_post_config ap_run_post_config ap_hook_get_post_config ap_HOOK_post_config_t (pconf: *mut apr_pool_t, plog: *mut apr_pool_t, ptemp: *mut apr_pool_t, s: *mut server_rec);
    all ap_hook_open_logs ap_run_open_logs ap_hook_get_open_logs ap_HOOK_open_logs_t (pconf: *mut apr_pool_t, plog: *mut apr_pool_t, ptemp: *mut apr_pool_t, s: *mut server_rec);
    all ap_hook_pre_mpm ap_run_pre_mpm ap_hook_get_pre_mpm ap_HOOK_pre_mpm_t (p: *mut apr_pool_t, sb_type: ap_scoreboard_e);
    all ap_hook_pre_connection ap_run_pre_connection ap_hook_get_pre_connection ap_HOOK_pre_connection_t (c: *mut conn_rec, csd: *mut c_void);
    all ap_hook_pre_close_connection ap_run_pre_close_connection ap_hook_get_pre_close_connection ap_HOOK_pre_close_connection_t (c: *mut conn_rec);
    all ap_hook_post_read_request ap_run_post_read_request ap_hook_get_post_read_request ap_HOOK_post_read_request_t (r: *mut request_rec);
    all ap_hook_log_transaction ap_run_log_transaction ap_hook_get_log_transaction ap_HOOK_log_transaction_t (r: *mut request_rec);
    all ap_hook_protocol_propose ap_run_protocol_propose ap_hook_get_protocol_propose ap_HOOK_protocol_propose_t (c: *mut conn_rec, r: *mut request_rec, s: *mut server_rec, offers: *const apr_array_header_t, proposals: *mut apr_array_header_t);
    all ap_hook_create_request ap_run_create_request ap_hook_get_create_request ap_HOOK_create_request_t (r: *mut request_rec);
    all ap_hook_fixups ap_run_fixups ap_hook_get_fixups ap_HOOK_fixups_t (r: *mut request_rec);
    all ap_hook_access_checker ap_run_access_checker ap_hook_get_access_checker ap_HOOK_access_checker_t (r: *mut request_rec);
    all ap_hook_post_perdir_config ap_run_post_perdir_config ap_hook_get_post_perdir_config ap_HOOK_post_perdir_config_t (r: *mut request_rec);
    first ap_hook_ssl_bind_outgoing ap_run_ssl_bind_outgoing ap_hook_get_ssl_bind_outgoing ap_HOOK_ssl_bind_outgoing_t (c: *mut conn_rec, dir_conf: *mut ap_conf_vector_t, enable_ssl: c_int) -> c_int = DECLINED;
    all ap_hook_ssl_add_cert_files ap_run_ssl_add_cert_files ap_hook_get_ssl_add_cert_files ap_HOOK_ssl_add_cert_files_t (s: *mut server_rec, p: *mut apr_pool_t, cert_files: *mut apr_array_header_t, key_files: *mut apr_array_header_t);
    all ap_hook_ssl_add_fallback_cert_files ap_run_ssl_add_fallback_cert_files ap_hook_get_ssl_add_fallback_cert_files ap_HOOK_ssl_add_fallback_cert_files_t (s: *mut server_rec, p: *mut apr_pool_t, cert_files: *mut apr_array_header_t, key_files: *mut apr_array_header_t);
    first ap_hook_ssl_ocsp_prime_hook ap_run_ssl_ocsp_prime_hook ap_hook_get_ssl_ocsp_prime_hook ap_HOOK_ssl_ocsp_prime_hook_t (s: *mut server_rec, p: *mut apr_pool_t, id: *const c_char, id_len: apr_size_t, pem: *const c_char) -> c_int = DECLINED;
    all ap_hook_monitor ap_run_monitor ap_hook_get_monitor ap_HOOK_monitor_t (p: *mut apr_pool_t, s: *mut server_rec);
    all ap_hook_drop_privileges ap_run_drop_privileges ap_hook_get_drop_privileges ap_HOOK_drop_privileges_t (pchild: *mut apr_pool_t, s: *mut server_rec);
    first ap_hook_handler ap_run_handler ap_hook_get_handler ap_HOOK_handler_t (r: *mut request_rec) -> c_int = DECLINED;
    first ap_hook_quick_handler ap_run_quick_handler ap_hook_get_quick_handler ap_HOOK_quick_handler_t (r: *mut request_rec, lookup_uri: c_int) -> c_int = DECLINED;
    first ap_hook_open_htaccess ap_run_open_htaccess ap_hook_get_open_htaccess ap_HOOK_open_htaccess_t (r: *mut request_rec, dir_name: *const c_char, access_name: *const c_char, conffile: *mut *mut ap_configfile_t, full_name: *mut *const c_char) -> apr_status_t = AP_DECLINED as apr_status_t;
    first ap_hook_mpm ap_run_mpm ap_hook_get_mpm ap_HOOK_mpm_t (pconf: *mut apr_pool_t, plog: *mut apr_pool_t, server_conf: *mut server_rec) -> c_int = DECLINED;
    first ap_hook_expr_lookup ap_run_expr_lookup ap_hook_get_expr_lookup ap_HOOK_expr_lookup_t (parms: *mut ap_expr_lookup_parms) -> c_int = DECLINED;
    first ap_hook_generate_log_id ap_run_generate_log_id ap_hook_get_generate_log_id ap_HOOK_generate_log_id_t (c: *const conn_rec, r: *const request_rec, id: *mut *const c_char) -> c_int = DECLINED;
    first ap_hook_create_connection ap_run_create_connection ap_hook_get_create_connection ap_HOOK_create_connection_t (p: *mut apr_pool_t, server: *mut server_rec, csd: *mut apr_socket_t, conn_id: c_long, sbh: *mut c_void, alloc: *mut apr_bucket_alloc_t) -> *mut conn_rec = null_mut();
    first ap_hook_process_connection ap_run_process_connection ap_hook_get_process_connection ap_HOOK_process_connection_t (c: *mut conn_rec) -> c_int = DECLINED;
    first ap_hook_insert_network_bucket ap_run_insert_network_bucket ap_hook_get_insert_network_bucket ap_HOOK_insert_network_bucket_t (c: *mut conn_rec, bb: *mut apr_bucket_brigade, socket: *mut apr_socket_t) -> apr_status_t = AP_DECLINED as apr_status_t;
    all ap_hook_get_mgmt_items ap_run_get_mgmt_items ap_hook_get_get_mgmt_items ap_HOOK_get_mgmt_items_t (p: *mut apr_pool_t, val: *const c_char, ht: *mut apr_hash_t);
    first ap_hook_get_pollfd_from_conn ap_run_get_pollfd_from_conn ap_hook_get_get_pollfd_from_conn ap_HOOK_get_pollfd_from_conn_t (c: *mut conn_rec, pfd: *mut apr_pollfd_t, ptimeout: *mut apr_interval_time_t) -> apr_status_t = APR_ENOTIMPL;
    first ap_hook_note_auth_failure ap_run_note_auth_failure ap_hook_get_note_auth_failure ap_HOOK_note_auth_failure_t (r: *mut request_rec, auth_type: *const c_char) -> c_int = DECLINED;
    first ap_hook_http_scheme ap_run_http_scheme ap_hook_get_http_scheme ap_HOOK_http_scheme_t (r: *const request_rec) -> *const c_char = null();
    first ap_hook_default_port ap_run_default_port ap_hook_get_default_port ap_HOOK_default_port_t (r: *const request_rec) -> apr_port_t = 0;
    first ap_hook_protocol_switch ap_run_protocol_switch ap_hook_get_protocol_switch ap_HOOK_protocol_switch_t (c: *mut conn_rec, r: *mut request_rec, s: *mut server_rec, protocol: *const c_char) -> c_int = DECLINED;
    first ap_hook_protocol_get ap_run_protocol_get ap_hook_get_protocol_get ap_HOOK_protocol_get_t (c: *const conn_rec) -> *const c_char = null();
    first ap_hook_pre_translate_name ap_run_pre_translate_name ap_hook_get_pre_translate_name ap_HOOK_pre_translate_name_t (r: *mut request_rec) -> c_int = DECLINED;
    first ap_hook_translate_name ap_run_translate_name ap_hook_get_translate_name ap_HOOK_translate_name_t (r: *mut request_rec) -> c_int = DECLINED;
    first ap_hook_map_to_storage ap_run_map_to_storage ap_hook_get_map_to_storage ap_HOOK_map_to_storage_t (r: *mut request_rec) -> c_int = DECLINED;
    first ap_hook_check_user_id ap_run_check_user_id ap_hook_get_check_user_id ap_HOOK_check_user_id_t (r: *mut request_rec) -> c_int = DECLINED;
    first ap_hook_type_checker ap_run_type_checker ap_hook_get_type_checker ap_HOOK_type_checker_t (r: *mut request_rec) -> c_int = DECLINED;
    first ap_hook_access_checker_ex ap_run_access_checker_ex ap_hook_get_access_checker_ex ap_HOOK_access_checker_ex_t (r: *mut request_rec) -> c_int = DECLINED;
    first ap_hook_auth_checker ap_run_auth_checker ap_hook_get_auth_checker ap_HOOK_auth_checker_t (r: *mut request_rec) -> c_int = DECLINED;
    first ap_hook_force_authn ap_run_force_authn ap_hook_get_force_authn ap_HOOK_force_authn_t (r: *mut request_rec) -> c_int = DECLINED;
    first ap_hook_dirwalk_stat ap_run_dirwalk_stat ap_hook_get_dirwalk_stat ap_HOOK_dirwalk_stat_t (finfo: *mut apr_finfo_t, r: *mut request_rec, wanted: apr_int32_t) -> apr_status_t = AP_DECLINED as apr_status_t;
    first ap_hook_ssl_conn_is_ssl ap_run_ssl_conn_is_ssl ap_hook_get_ssl_conn_is_ssl ap_HOOK_ssl_conn_is_ssl_t (c: *mut conn_rec) -> c_int = DECLINED;
    first ap_hook_ssl_var_lookup ap_run_ssl_var_lookup ap_hook_get_ssl_var_lookup ap_HOOK_ssl_var_lookup_t (p: *mut apr_pool_t, s: *mut server_rec, c: *mut conn_rec, r: *mut request_rec, name: *const c_char) -> *const c_char = null();
    first ap_hook_ssl_answer_challenge ap_run_ssl_answer_challenge ap_hook_get_ssl_answer_challenge ap_HOOK_ssl_answer_challenge_t (c: *mut conn_rec, server_name: *const c_char, pcert_pem: *mut *const c_char, pkey_pem: *mut *const c_char) -> c_int = DECLINED;
    first ap_hook_ssl_ocsp_get_resp_hook ap_run_ssl_ocsp_get_resp_hook ap_hook_get_ssl_ocsp_get_resp_hook ap_HOOK_ssl_ocsp_get_resp_hook_t (s: *mut server_rec, c: *mut conn_rec, id: *const c_char, id_len: apr_size_t, cb: ap_ssl_ocsp_copy_resp, userdata: *mut c_void) -> c_int = DECLINED;
    first ap_hook_mpm_query ap_run_mpm_query ap_hook_get_mpm_query ap_HOOK_mpm_query_t (query_code: c_int, result: *mut c_int, rv: *mut apr_status_t) -> c_int = DECLINED;
    first ap_hook_mpm_register_timed_callback ap_run_mpm_register_timed_callback ap_hook_get_mpm_register_timed_callback ap_HOOK_mpm_register_timed_callback_t (t: apr_time_t, cbfn: ap_mpm_callback_fn_t, baton: *mut c_void) -> apr_status_t = APR_ENOTIMPL;
    first ap_hook_mpm_get_name ap_run_mpm_get_name ap_hook_get_mpm_get_name ap_HOOK_mpm_get_name_t () -> *const c_char = null();
    first ap_hook_get_suexec_identity ap_run_get_suexec_identity ap_hook_get_get_suexec_identity ap_HOOK_get_suexec_identity_t (r: *const request_rec) -> *mut ap_unix_identity_t = null_mut();
}
