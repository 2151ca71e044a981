"""What members learn of themselves and of each other without names: cards, reputation, leaderboards and insights.

A *person* is who signs in: several members of one person in a community count once, by the oldest membership that holds
today. A *card* is the label by which a membership is known to others, such as "House A17". *Kept* is what a party
delivered or took of what it traded; what failed by the other party is not held against it.

Invariants (I5): a label is drawn at random, belongs to one membership for good and tells neither who it is nor who came
first, nor do ids of cards. Whoever opted out is neither ranked nor counted, from that moment on. Nothing is told of
others where fewer than five persons stand behind it; a mean that is shown to one of them leaves that one out, so that
it cannot be subtracted.

Decision, 2026-11-21: members nobody signs in for have no card and take no part, because nobody could opt out for them.

Decision, 2026-11-21: ratings are computed once a day, by a job, and kept: they look back 90 days over all trades, and
should not change while somebody looks at them. Leaderboards and insights are computed when they are asked for, of one
community and month, by indexes of trades by party, because corrected readings and opting out must show at once.
"""
