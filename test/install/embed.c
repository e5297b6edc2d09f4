/* embed MODEL.so COUNT TOKEN...: prints COUNT tokens that follow the given ones, always the likeliest. */
#include <sinter.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  char why[SINTER_MESSAGE_BYTES];
  sinter_model *model;
  sinter_session *session;
  sinter_sampling greedy = {0};
  const float *logits;
  size_t vocabulary, prompt = argc > 3 ? argc - 3 : 0;
  int64_t tokens[64];

  if (prompt == 0 || prompt > 64) {
    fprintf(stderr, "usage: embed MODEL.so COUNT TOKEN...\n");
    return 2;
  }
  for (size_t i = 0; i < prompt; ++i)
    tokens[i] = atoll(argv[3 + i]);

  /* The weights are read once; sessions of the same model share them. */
  if (sinter_open(argv[1], NULL, &model, why) || sinter_session_create(model, NULL, &session, why)) {
    fprintf(stderr, "%s\n", why);
    return 1;
  }
  for (int left = atoi(argv[2]); left > 0; --left) {
    /* The first call adds the prompt to the session's cache, the others one token each. */
    if (sinter_forward(session, tokens, prompt, NULL, 0, &logits, &vocabulary)) {
      fprintf(stderr, "%s\n", sinter_message(session));
      return 1;
    }
    tokens[0] = sinter_sample(model, &greedy, logits, vocabulary);
    prompt = 1;
    printf("%lld\n", (long long)tokens[0]);
  }
  sinter_session_destroy(session);
  sinter_close(model);
  return 0;
}
