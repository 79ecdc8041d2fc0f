"""Small pieces pages share: chip, pill, card, cost box, empty and error states, job card."""
