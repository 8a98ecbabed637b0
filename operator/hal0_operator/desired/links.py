"""What is wrong with a link of a home that leads to no file of it, in the words that everybody uses who finds one."""

NOWHERE = "is a link to nothing in the home: correct or remove it"
CIRCLE = "is a link that leads in a circle: correct or remove it"
OUTSIDE = "is a link that leaves the home; its target is not read: copy the file into the home"
