"""The pieces that screens are made of; they know no guest and call nothing outside."""
