/* A later stage, without a chapter. */
int extra_value;
