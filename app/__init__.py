"""EchoSphere: a person's own words and voice, under consent, into trait candidates with evidence."""
