"""The Compare page: two to eight results of one recording side by side, by ear, and blind tests of them."""
