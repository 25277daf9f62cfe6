pub use terms::Site;
