"""The networks by name, and the weights that some come with."""
