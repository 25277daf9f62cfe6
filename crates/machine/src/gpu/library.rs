//! A driver's library, loaded when it is asked for.

use std::ffi::{CStr, c_char, c_void};

/// A loaded library. It is never unloaded: drivers start threads that outlive it.
pub struct Library(*mut c_void);

impl Library {
    /// `None` where the system has no such library.
    pub fn open(name: &CStr) -> Option<Self> {
        // SAFETY: the name is a text with an end; a driver's library may be loaded at any time.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        (!handle.is_null()).then_some(Library(handle))
    }

    /// A function of the library.
    ///
    /// # Safety
    /// `F` must be the type of a pointer to this function.
    pub unsafe fn function<F: Copy>(&self, name: &CStr) -> Option<F> {
        // SAFETY: the handle is open, and the name is a text with an end.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        // SAFETY: the caller's promise.
        unsafe { as_function(address) }
    }
}

/// An address as a function; `None` for none.
///
/// # Safety
/// `F` must be the type of a pointer to the function there.
pub unsafe fn as_function<F: Copy>(address: *mut c_void) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: pointers of one size, and the type is the caller's promise.
    (!address.is_null()).then(|| unsafe { std::mem::transmute_copy(&address) })
}

/// A text of fixed room, up to its first zero.
pub fn text(bytes: &[c_char]) -> String {
    let bytes: Vec<u8> = bytes
        .iter()
        .map(|byte| byte.cast_unsigned())
        .take_while(|byte| *byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
