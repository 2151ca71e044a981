"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.market.statements import routes
from api.market.statements.statements import StatementMutations, StatementViewer
from domain.market.statements import words

ROOM = Room(
    mutations=(StatementMutations,),
    viewer=(StatementViewer,),
    jobs=(words.MAKE_STATEMENTS,),
    notices=(words.STATEMENT_READY,),
    routes=(routes,),
)
