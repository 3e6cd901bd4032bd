"""The book's machinery: weaving code into chapters, checking, and building."""
