"""Messages to people: made of notices by their preferences, and delivered in the app, by mail and to web hooks.

Terms. A *notice* is what a context tells in the transaction of an act (`domain.events.notices`). Here it becomes a
*message*, a text for one user, and a *delivery* of that message for each mail and each web hook it goes to. A *feed*
is a market whose trades a web hook follows: a durable cursor over the very stream that the subscription reads.

What holds:
- A notice becomes one message, whose id is the notice's; taking it and marking it as taken are one transaction.
- Whatever is due is sent at least once. Before each attempt its next one is written down, so that a process that dies
  between sending and recording leaves an attempt that another makes again, with the same id: mails keep their
  Message-ID, web hooks their `webhook-id`. What was acknowledged and recorded is never sent again.
- Trades of a feed arrive in the order of their stream and without gaps: the next one is sent after the one before it
  was acknowledged.
- A web hook never reaches a private address, whatever its name resolves to by then, and never follows a redirect.

Decision, 2026-11-21: a web hook's secret is stored as it is, because signing needs it; it is shown once, and its wiping
is the removal.

Decision, 2026-11-21: only people manage web hooks. One made by a key would go on telling after the key has ended.

Decision, 2026-11-21: quiet hours hold back mail only: in the app nothing rings, and a web hook wakes nobody.

Decision, 2026-11-21: a web hook that answered nothing for three days is disabled and its owner told; who comes back
registers it anew and gives the cursor of the last trade seen, so that nothing is lost by it.
"""
