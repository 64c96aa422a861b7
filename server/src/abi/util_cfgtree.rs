//! Exports of `util_cfgtree.h`: adding to the configuration's tree.

use httpd_sys::ap_directive_t;

exports! { ap_add_node }

/// Puts `toadd` behind `current`, or into it as its first child; answers the new current node.
/// `*parent` is the container that is being filled, if any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_node(
    parent: *mut *mut ap_directive_t,
    current: *mut ap_directive_t,
    toadd: *mut ap_directive_t,
    child: std::ffi::c_int,
) -> *mut ap_directive_t {
    // SAFETY: the header asks for nodes of one tree, and a place for the container.
    unsafe {
        if current.is_null() {
            // The first of a container whose start has been passed already.
            if !(*parent).is_null() {
                (**parent).first_child = toadd;
                (*toadd).parent = *parent;
            }
        } else {
            (*current).next = toadd;
            (*toadd).parent = *parent;
        }
        if child != 0 {
            // What comes next goes into the new node.
            *parent = toadd;
            return std::ptr::null_mut();
        }
        toadd
    }
}
