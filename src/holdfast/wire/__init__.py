"""What bytes mean, without IO: codecs for every protocol we speak."""
