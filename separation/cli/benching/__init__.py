"""Commands on songs whose true stems are known."""
