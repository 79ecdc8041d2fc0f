"""Reading the published weights without executing anything from them."""
