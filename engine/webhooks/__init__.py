"""Events of calls to other people's programs: signed, in order for each call, tried again for three days."""
